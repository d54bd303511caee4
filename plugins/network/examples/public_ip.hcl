resource "network" "web" {
  name = "web"
}

resource "public_ip" "web" {
  network = network.web.id
}

output "address" {
  value = public_ip.web.address
}
