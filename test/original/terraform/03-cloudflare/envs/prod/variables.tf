variable "backend_bucket" {
  description = "Bucket of the states"
  type        = string
}

variable "cloudflare_api_token" {
  description = "Token of the tunnel"
  type        = string
  sensitive   = true
}

variable "hostname" {
  description = "Public name of the application"
  type        = string
  default     = "threads.unknowntpo.com"
}
