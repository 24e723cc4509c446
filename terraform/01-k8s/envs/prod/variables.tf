variable "backend_bucket" {
  description = "Bucket of the layers' states; it must equal the one in the backend configuration."
  type        = string
}
