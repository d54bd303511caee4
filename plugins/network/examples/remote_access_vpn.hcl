resource "network" "web" {
  name = "web"
}

resource "public_ip" "web" {
  network = network.web.id
}

resource "remote_access_vpn" "web" {
  public_ip = public_ip.web.id
}
