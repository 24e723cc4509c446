import { configuredPath, placeIn } from '../config/load.ts'
import type { Environment } from '../config/schema.ts'
import { quote } from '../model/shell.ts'
import { configuration } from '../runtime/errors.ts'
import { readNamed } from '../runtime/files.ts'
import { fromShell } from '../runtime/inherited.ts'
import { neverShow } from '../runtime/redact.ts'
import type { GivenValues } from '../terraform/given.ts'

/** The variables whose values the environment's file says where to find. They are in no text from the moment they are read. */
export function givenValues({
  name: environment,
  terraform: { variables },
}: Pick<Environment, 'name' | 'terraform'>): GivenValues {
  return {
    names: Object.keys(variables),
    async read(name) {
      const { env, file } = variables[name] ?? {}
      const value = env === undefined ? await contentOf(file ?? '') : fromShell(env)
      if (value) {
        neverShow(value)
        return value
      }
      const place = `${await placeIn(environment, ['terraform', 'variables', name])}: terraform.variables.${name}`
      throw env === undefined
        ? configuration(
            `${place}: the file ${file} is missing or empty`,
            `write the value into it: ${configuredPath(file ?? '')}`,
          )
        : configuration(
            `${place}: the variable ${env} is not set`,
            `set it before you run this: read -rs ${env} && export ${env}`,
          )
    },
  }
}

/** The lines with which a shell takes them from where they are: they are never printed. One that is not there is left out. */
export function givenExports({ terraform: { variables } }: Pick<Environment, 'terraform'>): string[] {
  const ofShells = Object.entries(variables).filter(([name]) => /^\w+$/.test(name))
  return ofShells.map(([name, { env, file }]) => {
    const path = file === undefined ? '' : quote([configuredPath(file)])
    return env === undefined
      ? `[ ! -s ${path} ] || export TF_VAR_${name}="$(cat ${path})"`
      : `[ -z "\${${env}-}" ] || export TF_VAR_${name}="$${env}"`
  })
}

/** Without the line breaks at its end, which editors write and no secret has. */
const contentOf = async (file: string): Promise<string | undefined> =>
  (await readNamed(configuredPath(file)))?.replace(/[\r\n]+$/, '')
