resource "zone" "second" {
  name         = "zone-2"
  dns          = "192.0.2.53"
  internal_dns = "192.0.2.54"
}
