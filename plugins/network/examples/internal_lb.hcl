resource "vpc" "shop" {
  name = "shop"
  cidr = "10.8.0.0/16"
}

resource "network" "orders" {
  name     = "orders"
  vpc      = vpc.shop.id
  offering = "DefaultIsolatedNetworkOfferingForVpcNetworksWithInternalLB"
  gateway  = "10.8.2.1"
  netmask  = "255.255.255.0"
}

resource "instance" "orders" {
  name     = "orders-1"
  offering = "Medium Instance"
  template = "Rocky Linux 9"
  network  = network.orders.id
}

resource "internal_lb" "orders" {
  name    = "orders"
  network = network.orders.id
  port    = 80

  member {
    instance = instance.orders.id
  }
}
