# Modules, checks, and blocks that refactor.
module "part" {
  source   = "../parts/base"
  for_each = toset(["a", "b"])
  name     = "part-${each.key}"
}

module "one" {
  source      = "../parts/base"
  name        = module.part["a"].name
  description = "after ${network.new.name}"
  depends_on  = [network.new]
}

resource "network" "new" {
  name = "new"
}

moved {
  from = network.old
  to   = network.new
}

moved {
  from = module.parts
  to   = module.part
}

moved {
  from = network.many[1]
  to   = network.keyed["x"]
}

import {
  to   = network.new
  name = "taken"
}

removed {
  from    = network.gone
  destroy = false
}

check "named" {
  data "network" "found" {
    name = network.new.name
  }
  assert {
    condition     = data.network.found.id == network.new.id
    error_message = "Another network is called ${network.new.name}."
  }
}

output "names" {
  value = [for m in module.part : m.name]
}
