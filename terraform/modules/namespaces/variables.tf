variable "names" {
  description = "Names of the namespaces."
  type        = set(string)

  validation {
    condition     = alltrue([for name in var.names : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "A namespace's name must be a DNS label."
  }
}

variable "environment" {
  description = "Environment, the value of the environment label."
  type        = string
}
