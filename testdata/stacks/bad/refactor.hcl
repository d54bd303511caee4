check "empty" {
}
check "two" {
  data "zone" "a" {}
  data "zone" "b" {}
  assert {
    condition = true
  }
}
check "many" {
  data "zone" "a" {
    count = 2
  }
  assert {
    condition     = true
    error_message = "no"
  }
}
moved {
  from = network.a
}
moved {
  from = "network.a"
  to   = network.b[0]
}
moved {
  from = network.a
  to   = network.a
}
moved {
  from = network.a
  to   = instance.a
}
moved {
  from = module.a
  to   = network.a
}
moved {
  from = data.zone.a
  to   = data.zone.b
}
moved {
  from = network.a.id
  to   = network.b
}
import {
  to = network.a
}
import {
  to   = network.a
  id   = "x"
  name = "y"
}
import {
  to = module.a
  id = "x"
}
import {
  to = network.c
  id = "x"
}
import {
  to = network.c
  id = "y"
}
removed {
  from    = network
  destroy = "maybe"
}
