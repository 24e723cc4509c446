import { createServer } from 'node:http'

const version = process.env.npm_package_version ?? 'unknown'

createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ service: 'nextjs', version, path: request.url }))
}).listen(3000)
