variable "levels" {
  description = "The namespaces: name to the level of pod security that is enforced there."
  type        = map(string)

  validation {
    condition     = alltrue([for level in values(var.levels) : contains(["privileged", "baseline", "restricted"], level)])
    error_message = "A level of pod security is privileged, baseline or restricted."
  }

  validation {
    condition     = alltrue([for name in keys(var.levels) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "A namespace's name must be a DNS label."
  }
}

variable "environment" {
  description = "Environment, the value of the environment label."
  type        = string
}
