resource "network" "web" {
  name        = "web"
  description = "Web servers"

  egress {
    protocol = "tcp"
    ports    = "443"
  }
  egress {
    protocol     = "udp"
    ports        = "53"
    destinations = ["192.0.2.53/32"]
  }

  tags = {
    team = "web"
  }
}
