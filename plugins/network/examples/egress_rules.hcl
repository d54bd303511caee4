resource "network" "web" {
  name = "web"
}

resource "egress_rules" "web" {
  network = network.web.id

  rule {
    ports        = "443"
    destinations = ["192.0.2.0/24"]
  }
  rule {
    protocol  = "icmp"
    icmp_type = -1
    icmp_code = -1
  }
}
