/** TCP ports of the VM, which the firewall opens to IAP alone. */
export const SSH_PORT = 22
export const API_PORT = 6443
