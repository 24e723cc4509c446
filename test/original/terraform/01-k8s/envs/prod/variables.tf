variable "backend_bucket" {
  description = "Bucket of the states"
  type        = string
}

variable "charts" {
  description = "Folder of the charts"
  type        = string
}

variable "gcr_json_key" {
  description = "JSON key of the account that pulls images"
  type        = string
  sensitive   = true
}

variable "image_updater_interval" {
  description = "How often the Image Updater looks for images"
  type        = string
  default     = "2m"
}
