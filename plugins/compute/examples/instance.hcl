resource "network" "web" {
  name = "web"
}

resource "ssh_keypair" "admin" {
  name = "admin"
}

resource "instance" "web" {
  name         = "web-1"
  display_name = "First web server"
  offering     = "Medium Instance"
  template     = "Rocky Linux 9"
  network      = network.web.id
  address      = "10.1.1.200"
  key_pairs    = [ssh_keypair.admin.name]
  user_data    = "#cloud-config\npackages: [httpd]\n"

  tags = {
    role = "web"
  }
}
