resource "vpn_customer_gateway" "hq" {
  name           = "hq"
  gateway        = "203.0.113.9"
  cidrs          = ["192.168.50.0/24"]
  pre_shared_key = "only-for-this-example"
}
