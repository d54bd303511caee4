resource "account" "shop" {
  name       = "shop"
  password   = "only-for-this-example"
  email      = "shop@example.com"
  first_name = "Ada"
  last_name  = "Lovelace"
}
