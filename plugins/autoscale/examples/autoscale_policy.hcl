data "autoscale_counter" "cpu" {
  name     = "VM CPU - average percentage"
  provider = "VirtualRouter"
}

resource "autoscale_condition" "busy" {
  counter   = data.autoscale_counter.cpu.id
  operator  = "GT"
  threshold = 80
}

resource "autoscale_policy" "grow" {
  name       = "grow"
  action     = "SCALEUP"
  conditions = [autoscale_condition.busy.id]
  duration   = 60
}
