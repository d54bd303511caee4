resource "domain" "shop" {
  name = "shop"
}

resource "domain_limit" "machines" {
  domain   = domain.shop.id
  resource = "user_vm"
  max      = 40
}
