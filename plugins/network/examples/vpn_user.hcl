resource "vpn_user" "alice" {
  name     = "alice"
  password = "only-for-this-example"
}
