resource "vpc" "web" {
  name = "web"
  cidr = "10.8.0.0/16"
}

resource "private_gateway" "hq" {
  vpc     = vpc.web.id
  address = "172.16.0.10"
  gateway = "172.16.0.1"
  netmask = "255.255.255.0"
  vlan    = "200"
}
