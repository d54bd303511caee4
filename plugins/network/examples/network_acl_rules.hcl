resource "vpc" "web" {
  name = "web"
  cidr = "10.8.0.0/16"
}

resource "network_acl" "web" {
  name = "web"
  vpc  = vpc.web.id
}

resource "network_acl_rules" "web" {
  acl = network_acl.web.id

  rule {
    number = 100
    ports  = "8000-8010"
  }
}
