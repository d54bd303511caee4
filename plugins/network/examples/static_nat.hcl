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
  network    = network.web.id
  depends_on = [instance.web]
}

resource "static_nat" "web" {
  public_ip = public_ip.web.id
  instance  = instance.web.id
}

resource "firewall" "web" {
  public_ip = static_nat.web.id
  rule {
    ports = "443"
  }
}
