locals {
  labels = {
    managed-by  = "threads-ops"
    environment = var.environment
    layer       = "00-vpc"
  }
}

resource "google_artifact_registry_repository" "this" {
  project       = var.project_id
  location      = var.region
  repository_id = var.repository_id
  description   = "Images of the application"
  format        = "DOCKER"
  labels        = local.labels

  docker_config {
    # `latest` moves with each build.
    immutable_tags = false
  }

  # Keep rules win over delete rules: the newest versions stay for rollbacks, however old they are.
  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"

    most_recent_versions {
      keep_count = var.keep_versions
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      tag_state  = "ANY"
      older_than = "${var.delete_after_days * 24 * 60 * 60}s"
    }
  }
}

# Secrets without values: a value given here would end up in the state.
resource "google_secret_manager_secret" "this" {
  for_each = var.secret_ids

  project   = var.project_id
  secret_id = each.value
  labels    = local.labels

  replication {
    auto {}
  }
}

# One by one: a grant in the project would be one of all its secrets, also of those that others keep there.
resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = google_secret_manager_secret.this

  project   = var.project_id
  secret_id = each.value.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.secret_reader}"
}
