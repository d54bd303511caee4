resource "network" "web" {
  name = "web"
}

resource "instance" "web" {
  name     = "web-1"
  offering = "Medium Instance"
  template = "Rocky Linux 9"
  network  = network.web.id
}

resource "network" "back" {
  name = "back"
}

resource "nic" "back" {
  instance = instance.web.id
  network  = network.back.id
  address  = "10.1.1.200"
}
