resource "user_data" "web" {
  name    = "web"
  content = "#cloud-config\npackages: [httpd]\n"
}

resource "network" "web" {
  name = "web"
}

resource "instance" "web" {
  name         = "web-1"
  offering     = "Medium Instance"
  template     = "Rocky Linux 9"
  network      = network.web.id
  user_data_id = user_data.web.id
}
