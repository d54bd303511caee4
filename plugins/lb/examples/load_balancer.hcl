resource "network" "web" {
  name = "web"
}

resource "load_balancer" "web" {
  network     = network.web.id
  public_port = 80
  algorithm   = "leastconn"
  cidrs       = ["203.0.113.0/24"]

  stickiness {
    method = "LbCookie"
    params = {
      "cookie-name" = "SRV"
    }
  }
}

output "address" {
  value = load_balancer.web.address
}
