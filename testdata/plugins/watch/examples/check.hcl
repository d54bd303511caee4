resource "watch_check" "shop" {
  name     = "shop"
  url      = "https://shop.example.com"
  headers  = { Accept = "text/html" }
  password = "open-sesame-now"
}
