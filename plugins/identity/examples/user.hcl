resource "account" "shop" {
  name       = "shop"
  password   = "only-for-this-example"
  email      = "shop@example.com"
  first_name = "Ada"
  last_name  = "Lovelace"
}

resource "user" "grace" {
  name       = "grace"
  account    = account.shop.name
  password   = "only-for-this-example"
  email      = "grace@example.com"
  first_name = "Grace"
  last_name  = "Hopper"
  keys       = true
}
