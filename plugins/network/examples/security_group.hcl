resource "security_group" "web" {
  name        = "web"
  description = "what web servers need"

  ingress {
    ports = "80"
  }
  ingress {
    ports = "443"
    cidr  = "192.0.2.0/24"
  }
  egress {
    ports = "5432"
    cidr  = "198.51.100.0/24"
  }
}
