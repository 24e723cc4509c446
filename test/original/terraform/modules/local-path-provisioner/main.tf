terraform {
  required_providers {
    kubectl = {
      source = "gavinbunney/kubectl"
    }
  }
}

locals {
  namespace = "local-path-storage"
}

resource "kubectl_manifest" "namespace" {
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Namespace"
    metadata   = { name = local.namespace }
  })
}

resource "kubectl_manifest" "service_account" {
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "ServiceAccount"
    metadata   = { name = "local-path-provisioner-service-account", namespace = local.namespace }
  })

  depends_on = [kubectl_manifest.namespace]
}

resource "kubectl_manifest" "cluster_role" {
  yaml_body = yamlencode({
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "ClusterRole"
    metadata   = { name = "local-path-provisioner-role" }
    rules = [
      {
        apiGroups = [""]
        resources = ["nodes", "persistentvolumeclaims", "configmaps", "pods/log"]
        verbs     = ["get", "list", "watch"]
      },
      {
        apiGroups = [""]
        resources = ["persistentvolumes", "pods"]
        verbs     = ["get", "list", "watch", "create", "patch", "update", "delete"]
      },
      {
        apiGroups = [""]
        resources = ["events"]
        verbs     = ["create", "patch"]
      },
      {
        apiGroups = ["storage.k8s.io"]
        resources = ["storageclasses"]
        verbs     = ["get", "list", "watch"]
      },
    ]
  })
}

resource "kubectl_manifest" "cluster_role_binding" {
  yaml_body = yamlencode({
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "ClusterRoleBinding"
    metadata   = { name = "local-path-provisioner-bind" }
    roleRef = {
      apiGroup = "rbac.authorization.k8s.io"
      kind     = "ClusterRole"
      name     = "local-path-provisioner-role"
    }
    subjects = [{
      kind      = "ServiceAccount"
      name      = "local-path-provisioner-service-account"
      namespace = local.namespace
    }]
  })
}

resource "kubectl_manifest" "config" {
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "local-path-config", namespace = local.namespace }
    data = {
      "config.json" = jsonencode({
        nodePathMap = [{ node = "DEFAULT_PATH_FOR_NON_LISTED_NODES", paths = ["/opt/local-path-provisioner"] }]
      })
      setup            = "#!/bin/sh\nset -eu\nmkdir -m 0777 -p \"$VOL_DIR\"\n"
      teardown         = "#!/bin/sh\nset -eu\nrm -rf \"$VOL_DIR\"\n"
      "helperPod.yaml" = <<-EOT
        apiVersion: v1
        kind: Pod
        metadata:
          name: helper-pod
        spec:
          containers:
            - name: helper-pod
              image: docker.io/library/busybox:1.37.0
              imagePullPolicy: IfNotPresent
      EOT
    }
  })

  depends_on = [kubectl_manifest.namespace]
}

resource "kubectl_manifest" "deployment" {
  yaml_body = yamlencode({
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = { name = "local-path-provisioner", namespace = local.namespace }
    spec = {
      replicas = 1
      selector = { matchLabels = { app = "local-path-provisioner" } }
      template = {
        metadata = { labels = { app = "local-path-provisioner" } }
        spec = {
          serviceAccountName = "local-path-provisioner-service-account"
          containers = [{
            name    = "local-path-provisioner"
            image   = "docker.io/rancher/local-path-provisioner:v0.0.30"
            command = ["local-path-provisioner", "start", "--config", "/etc/config/config.json"]
            env = [
              { name = "POD_NAMESPACE", valueFrom = { fieldRef = { fieldPath = "metadata.namespace" } } },
              { name = "CONFIG_MOUNT_PATH", value = "/etc/config/" },
            ]
            volumeMounts = [{ name = "config-volume", mountPath = "/etc/config/" }]
          }]
          volumes = [{ name = "config-volume", configMap = { name = "local-path-config" } }]
        }
      }
    }
  })

  depends_on = [kubectl_manifest.service_account, kubectl_manifest.cluster_role_binding, kubectl_manifest.config]
}

resource "kubectl_manifest" "storage_class" {
  yaml_body = yamlencode({
    apiVersion = "storage.k8s.io/v1"
    kind       = "StorageClass"
    metadata = {
      name        = "local-path"
      annotations = { "storageclass.kubernetes.io/is-default-class" = "true" }
    }
    provisioner       = "rancher.io/local-path"
    volumeBindingMode = "WaitForFirstConsumer"
    reclaimPolicy     = "Delete"
  })
}
