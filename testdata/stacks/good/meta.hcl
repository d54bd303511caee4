# Every meta-argument and frame of the language once.
cloud {
  endpoint = "http://localhost:8080/client/api"
}

cloud "west" {
  endpoint = "http://west.example/client/api"
}

variable "size" {
  type        = number
  default     = 2
  description = "How many."
  nullable    = false
  validation {
    condition     = var.size > 0
    error_message = "At least one."
  }
}

variable "token" {
  type      = string
  default   = "t"
  sensitive = true
}

variable "rules" {
  type    = list(object({ port = number, cidr = optional(string, "0.0.0.0/0") }))
  default = [{ port = 80 }]
}

locals {
  names = [for i in range(var.size) : "n${i}"]
  first = local.names[0]
}

data "zone" "main" {
  name = "zone-1"
}

resource "network" "many" {
  count = var.size
  name  = local.names[count.index]
}

resource "network" "each" {
  for_each   = toset(local.names)
  name       = each.key
  depends_on = [network.many, data.zone.main]
  cloud      = cloud.west
  lifecycle {
    prevent_destroy       = true
    create_before_destroy = true
    ignore_changes        = [description, tags["x"]]
    replace_triggered_by  = [network.many[0].id]
    precondition {
      condition     = var.size < 10
      error_message = "Too many."
    }
    postcondition {
      condition     = self.id != ""
      error_message = "No id."
    }
  }
  timeouts {
    create = "10m"
    delete = "90s"
  }
  retain_on_destroy = true
}

output "ids" {
  value       = network.many[*].id
  description = "All ids."
  depends_on  = [network.each]
}

output "token" {
  value     = var.token
  sensitive = true
}
