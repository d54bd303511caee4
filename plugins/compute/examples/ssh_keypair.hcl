resource "ssh_keypair" "made" {
  name = "made-by-the-cloud"
}

output "private_key" {
  value     = ssh_keypair.made.private_key
  sensitive = true
}
