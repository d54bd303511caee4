resource "dns_record" "www" {
  zone = "example.com"
  name = "www"
  data = "192.0.2.1"
}
