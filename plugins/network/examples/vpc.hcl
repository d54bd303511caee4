resource "vpc" "web" {
  name = "web"
  cidr = "10.8.0.0/16"
}

resource "network_acl" "web" {
  name = "web"
  vpc  = vpc.web.id

  rule {
    number = 10
    ports  = "80"
  }
}

resource "network" "front" {
  name     = "front"
  offering = "DefaultIsolatedNetworkOfferingForVpcNetworks"
  vpc      = vpc.web.id
  gateway  = "10.8.1.1"
  netmask  = "255.255.255.0"
  acl      = network_acl.web.id
}
