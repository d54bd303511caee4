resource "network" "web" {
  name = "web"
}

resource "instance" "web" {
  name     = "web-1"
  offering = "Medium Instance"
  template = "Rocky Linux 9"
  network  = network.web.id
}

resource "secondary_ip" "web" {
  instance = instance.web.id
  nic      = instance.web.nic
}
