resource "network" "web" {
  name = "web"
}

resource "public_ip" "web" {
  network = network.web.id
}

resource "firewall" "web" {
  public_ip = public_ip.web.id

  rule {
    ports = "80"
  }
  rule {
    ports = "8000-8010"
    cidrs = ["192.0.2.0/24", "198.51.100.0/24"]
  }
  rule {
    protocol  = "icmp"
    icmp_type = 8
    icmp_code = 0
  }
}
