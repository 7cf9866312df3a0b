import { messageOf, WeirError } from '../util/errors.ts';

/** WEIR_STORE for what DuckDB says of the files in a data folder; `instead` is what needs less memory. */
export function storeError(error: unknown, data: string, instead: string): WeirError {
  const message = messageOf(error);
  const hint = /Out of Memory/i.test(message)
    ? `Give it more (--memory 2GB), or ${instead}.`
    : `Start 'weir collect --data ${data}' once: it checks the segments and says which are damaged.`;
  return new WeirError('WEIR_STORE', `the flows in ${data} could not be read: ${message}`, { hint, cause: error });
}
