import { afterAll, beforeAll, describe } from 'vitest';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { type PlainRow, writeStore } from './fixture.ts';

/** A store of random flows that the tests of a suite ask. */
export interface RandomStore<Flow> {
  /** Its data folder; there while tests run. */
  readonly folder: { readonly path: string };
  readonly segments: readonly (readonly Flow[])[];
  /** Those of all segments. */
  readonly flows: readonly Flow[];
}

/** A suite for each store, which is written before it and removed after it. `rowOf` gives the row that is stored of a flow; usually the flow itself. */
export function describeStores<Flow>(
  stores: readonly (readonly (readonly Flow[])[])[],
  body: (store: RandomStore<Flow>) => void,
  rowOf: (flow: Flow) => PlainRow = (flow) => flow as PlainRow,
): void {
  describe.each(stores.map((segments, index) => ({ segments, index })))('random store $index', ({ segments }) => {
    let folder: TempFolder;
    beforeAll(async () => {
      folder = makeTempFolder();
      await writeStore(
        folder.path,
        segments.map((flows) => flows.map(rowOf)),
      );
    });
    afterAll(() => folder.remove());
    const store = {
      get path() {
        return folder.path;
      },
    };
    body({ folder: store, segments, flows: segments.flat() });
  });
}
