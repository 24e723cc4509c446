variable "name" {
  description = "Name of the Application and of its ImageUpdater."
  type        = string
  default     = "threads"
}

variable "environment" {
  description = "Environment, the value of the environment label."
  type        = string
}

variable "argocd_namespace" {
  description = "Namespace that Argo CD runs in."
  type        = string
}

variable "repository_url" {
  description = "URL of the git repository that Argo CD watches."
  type        = string

  validation {
    condition     = can(regex("^(https?|ssh)://.+\\.git$", var.repository_url))
    error_message = "The repository must be an http, https or ssh URL that ends with .git."
  }
}

variable "revision" {
  description = "Branch, tag or commit that Argo CD follows."
  type        = string
}

variable "path" {
  description = "Folder of the kustomization in the repository."
  type        = string

  validation {
    condition     = !startswith(var.path, "/") && !strcontains(var.path, "..")
    error_message = "The path must be relative to the repository's root and stay inside it."
  }
}

variable "destination_namespace" {
  description = "Namespace of the application's objects; Argo CD creates it."
  type        = string
  default     = "threads"
}

variable "pod_security" {
  description = "Level of pod security that is enforced in that namespace; of what is not restricted the API server warns."
  type        = string
  default     = "baseline"

  validation {
    condition     = contains(["privileged", "baseline", "restricted"], var.pod_security)
    error_message = "A level of pod security is privileged, baseline or restricted."
  }
}

variable "kinds" {
  description = "Kinds of objects that the repository may have in that namespace, and of what those make: what a project does not permit Argo CD does not look at either, and the Image Updater sees no image that runs. Group is empty for those of Kubernetes' core."
  type        = list(object({ group = string, kind = string }))

  default = [
    { group = "", kind = "ConfigMap" },
    { group = "", kind = "Endpoints" },
    { group = "", kind = "PersistentVolumeClaim" },
    { group = "", kind = "Pod" },
    { group = "", kind = "Secret" },
    { group = "", kind = "Service" },
    { group = "", kind = "ServiceAccount" },
    { group = "apps", kind = "ControllerRevision" },
    { group = "apps", kind = "Deployment" },
    { group = "apps", kind = "ReplicaSet" },
    { group = "apps", kind = "StatefulSet" },
    { group = "autoscaling", kind = "HorizontalPodAutoscaler" },
    { group = "batch", kind = "CronJob" },
    { group = "batch", kind = "Job" },
    { group = "discovery.k8s.io", kind = "EndpointSlice" },
    { group = "external-secrets.io", kind = "ExternalSecret" },
    { group = "networking.k8s.io", kind = "Ingress" },
    { group = "networking.k8s.io", kind = "NetworkPolicy" },
    { group = "policy", kind = "PodDisruptionBudget" },
  ]
}

variable "cluster_kinds" {
  description = "Kinds of objects that the repository may have outside any namespace. Argo CD makes the namespace itself."
  type        = list(object({ group = string, kind = string }))

  default = [
    { group = "", kind = "Namespace" },
  ]
}

variable "images" {
  description = "Images that the Image Updater keeps at their newest build: alias to image name, without a tag."
  type        = map(string)

  validation {
    condition     = alltrue([for alias in keys(var.images) : can(regex("^[a-z][a-z0-9-]*$", alias))])
    error_message = "An alias must be lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for image in values(var.images) : can(regex("^[^:@]+/[^:@]+$", image))])
    error_message = "An image must be named with its registry and without a tag or digest."
  }
}
