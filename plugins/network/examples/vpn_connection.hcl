resource "vpc" "web" {
  name = "web"
  cidr = "10.8.0.0/16"
}

resource "vpn_gateway" "web" {
  vpc = vpc.web.id
}

resource "vpn_customer_gateway" "hq" {
  name           = "hq"
  gateway        = "203.0.113.9"
  cidrs          = ["192.168.50.0/24"]
  pre_shared_key = "only-for-this-example"
}

resource "vpn_connection" "hq" {
  vpn_gateway      = vpn_gateway.web.id
  customer_gateway = vpn_customer_gateway.hq.id
}
