resource "account" "shop" {
  name       = "shop"
  password   = "only-for-this-example"
  email      = "shop@example.com"
  first_name = "Ada"
  last_name  = "Lovelace"
}

resource "project" "shop" {
  name = "shop"

  member {
    account = account.shop.name
  }
}
