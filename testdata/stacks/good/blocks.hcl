# Blocks of every nesting, given one by one and as lists of objects.
variable "rules" {
  type    = list(object({ port = number, cidr = optional(string, "0.0.0.0/0") }))
  default = [{ port = 80 }, { port = 443, cidr = "10.0.0.0/8" }]
}

locals {
  scale = { cpu = { duration = "60s", threshold = 70 }, mem = { duration = "90s", threshold = 80 } }
}

resource "group" "single" {
  name = "single"
  keep {
    images = 2
  }
}

resource "group" "repeated" {
  name = "repeated"
  rule {
    port = 22
  }
  rule {
    port = 80
    cidr = "10.0.0.0/8"
  }
  scale "cpu" {
    duration  = "60s"
    threshold = 70
  }
  scale "mem" {
    duration = "90s"
  }
}

resource "group" "listed" {
  name  = "listed"
  rule  = [for r in var.rules : { port = r.port, cidr = r.cidr }]
  scale = local.scale
  tags  = { team = "web", "with space" = "x" }
}
