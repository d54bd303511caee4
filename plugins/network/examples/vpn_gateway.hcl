resource "vpc" "web" {
  name = "web"
  cidr = "10.8.0.0/16"
}

resource "vpn_gateway" "web" {
  vpc = vpc.web.id
}
