resource "network" "web" {
  name = "web"
}

resource "instance" "web" {
  name     = "web-1"
  offering = "Medium Instance"
  template = "Rocky Linux 9"
  network  = network.web.id
}

resource "vm_schedule" "evening" {
  instance = instance.web.id
  action   = "STOP"
  schedule = "0 20 * * *"
  timezone = "Europe/Berlin"
}
