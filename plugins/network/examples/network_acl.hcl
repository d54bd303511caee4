resource "vpc" "web" {
  name = "web"
  cidr = "10.8.0.0/16"
}

resource "network_acl" "web" {
  name = "web"
  vpc  = vpc.web.id

  rule {
    number = 10
    ports  = "443"
    reason = "the shop"
  }
  rule {
    number    = 20
    direction = "egress"
    protocol  = "all"
    cidrs     = ["192.0.2.0/24", "198.51.100.0/24"]
  }
  rule {
    number   = 30
    action   = "deny"
    protocol = "all"
  }
}
