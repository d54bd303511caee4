resource "domain" "shop" {
  name           = "shop"
  network_domain = "shop.example"
}
