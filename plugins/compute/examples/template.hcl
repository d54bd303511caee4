resource "template" "debian" {
  name    = "debian-12"
  url     = "https://images.example.com/debian-12.qcow2"
  os_type = "Debian GNU/Linux 12 (64-bit)"
}
