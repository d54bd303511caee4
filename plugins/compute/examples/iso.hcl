resource "iso" "rescue" {
  name    = "rescue"
  url     = "https://images.example.com/rescue.iso"
  os_type = "Debian GNU/Linux 12 (64-bit)"
}
