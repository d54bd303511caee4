resource "network" "web" {
  name = "web"
}

resource "instance" "web" {
  name     = "web-1"
  offering = "Medium Instance"
  template = "Rocky Linux 9"
  network  = network.web.id
}

resource "public_ip" "web" {
  network = network.web.id
}

resource "port_forward" "ssh" {
  public_ip    = public_ip.web.id
  instance     = instance.web.id
  public_port  = 2222
  private_port = 22

  firewall {
    cidrs = ["192.0.2.0/24"]
  }
}
