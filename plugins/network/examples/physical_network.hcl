resource "zone" "second" {
  name         = "zone-2"
  dns          = "192.0.2.53"
  internal_dns = "192.0.2.54"
}

resource "physical_network" "guests" {
  name = "guests"
  zone = zone.second.id
  vlan = "500-599"
}
