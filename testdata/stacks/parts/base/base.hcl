variable "name" {
  type = string
  validation {
    condition     = length(var.name) < 20
    error_message = "The name ${var.name} is too long."
  }
}

variable "description" {
  type    = string
  default = "a part"
}

resource "network" "main" {
  name        = var.name
  description = var.description
}

output "id" {
  value = network.main.id
}

output "name" {
  value = network.main.name
}
